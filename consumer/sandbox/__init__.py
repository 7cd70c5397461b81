"""
A stand-in for Meta's Conversions API.

Meta cannot be reached from a test, a demo or a laptop, so this server answers
in its place: it refuses what Meta refuses, with Meta's codes and bodies,
counts what it took, and misbehaves when told to.

    request.py    one request: path, token, body, `data`      -> events or a refusal
    rules.py      one event: the table of what is refused     -> a refusal or nothing
    checks.py     its predicates, Meta's
    promises.py   its predicates, this project's own
    keys.py       the keys and words that Meta knows
    refusal.py    a refusal and its body
    ledger.py     what was taken: counts, repeats, the accepted file
    behaviour.py  how it misbehaves
    answer.py     what goes back
    controls.py   its own endpoints: counts, behaviour, reset
    server.py     all of it behind HTTP
    command.py    the command line

It is a second, independent reading of Meta's rules and imports nothing from
`consumer.core`: a mistake made there is found here, not repeated.
"""
