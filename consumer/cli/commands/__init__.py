"""
How each command is called: its options and its help, and nothing of what it does.

    commands/replay.py     signature, help     loaded with the program, whichever command is meant
    replay.py              the work            loaded by the command, when it is called

So a press of TAB and `--help` load no Kafka, no HTTP and no telemetry, and each
command only its own part of the program.
"""
