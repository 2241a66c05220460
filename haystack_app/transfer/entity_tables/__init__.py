"""Tables of entities as people have them: a row for each entity, a column for each tag.

The header and the defs say the kinds of tags, and cells say them only where neither
does (``columns``, ``guesses``); Refs may name their target by its ``dis`` (``names``).
CSV of our own is read by ``transfer.entity_csv`` (``recognition``).
"""
