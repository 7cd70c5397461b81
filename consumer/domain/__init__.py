"""Records, decisions and states: the words that cross package borders. Imports nothing of ours."""
