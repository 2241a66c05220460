"""Grids as workbooks (.xlsx), which ``haystack_load`` and ``haystack_his_import`` read.

By XlsxWriter, a part of the extra ``files``: rows are written to a temporary file as
they come, so that memory stays flat.
"""
