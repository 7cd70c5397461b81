"""
How fast it is, measured: `make bench`.

    __main__.py    rounds of parts, one after another, progress, the table, the exit code
    figures.py     what a figure is, all their keys, the bars
    results.py     build/bench.json, the table at the terminal; page.py writes the pages in docs/
    machine.py     what was measured on

    events.py      what all of it works on
    core.py        `decide` beside its floor
    peer.py        Meta's own SDK on the same events
    pipeline.py    a backlog, drained by one process
    telemetry.py   the price of being watched
    others.py      the same backlog by a plain loop (naive_loop.py) and by FastStream (faststream_loop.py)
    latency.py     produced → accepted, at an even rate (paced.py)
    scale_out.py   one, two, three processes
    tuning.py      what each setting does; plot.py draws it

    world.py       Kafka, topics, the sandbox
    backlog.py     filling a topic
    drain.py       programs at work on it, and what they cost (cost.py)
    ledger.py      the oracle: has every event that counts as done been accepted?

The others are programs of their own, each with its question at its top.
"""
