"""
How fast it is, measured: `make bench`.

    __main__.py    rounds of parts, one after another, progress, the table, the exit code
    figures.py     what a figure is; the bars                results.py  build/bench.json, docs/performance.md
    events.py      what all of it works on
    core.py        `decide` beside its floor                 peer.py       Meta's own SDK
    pipeline.py    a backlog, drained by one process         others.py     the same by a plain loop, and by FastStream
    telemetry.py   the price of being watched                latency.py    produced → accepted                       scale_out.py  one, two, three processes
    tuning.py      what each setting does                    plot.py       the picture of it
    world.py       Kafka, topics, the sandbox                backlog.py    filling a topic
    drain.py       one program at work, and what it cost     ledger.py     the oracle: was all of it accepted?

The others are programs of their own, each with its question at its top.
"""
