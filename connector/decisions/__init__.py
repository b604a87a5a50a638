"""Pure decisions: one question a file, one `decide`, one closed verdict. They read no clock, file, socket or log.

Decisions do not call each other; their verdicts meet in the loop.
"""
