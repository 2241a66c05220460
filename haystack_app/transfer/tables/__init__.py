"""Tables of samples as other systems export them: read, understood, mapped, checked.

A file is read three times: its form is understood from all of its rows
(``understanding``), every cell is checked, and the samples are stored. Where a text has
two readings and no other row of the file decides, it is an error that names the option
that decides.
"""
