"""
The whole job in one process: nothing to install, nothing left behind.

    samples → librdkafka's mock brokers → the consumer → a sandbox for Meta
                        └ dead letters → export → mend → publish → accepted

    world.py     brokers, sandbox, settings, and the consumer between them
    story.py     what happens, in order
    checks.py    does it add up: against what was meant and what the sandbox saw
    report.py    what a person sees
    command.py   the command line
"""
