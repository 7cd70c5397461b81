"""
A stand-in for Meta's Conversions API.

Meta cannot be reached from a test, a demo or a laptop, so this server answers
in its place: it refuses what Meta refuses, with Meta's codes and bodies,
counts what it took, and misbehaves when told to.

    request.py          one request: path, token, body, `data`      -> events or a rejection
    rules.py            one event: the table of what is rejected    -> a rejection or nothing
    checks.py           its predicates: Meta's, and this project's own
    meta_vocabulary.py  the keys and words that Meta knows
    request_log.py      what was accepted: counts, repeats, the accepted file
    faults.py           the faults that it simulates
    response.py         what it answers
    server.py           all of it behind HTTP, with its own endpoints: counts, faults, reset
    settings.py         how it starts, and its limits
    command.py          the command line

It is a second, independent reading of Meta's rules and imports nothing from
`consumer.mapping` or `consumer.meta`: a mistake has to be made twice to go unnoticed.
"""
