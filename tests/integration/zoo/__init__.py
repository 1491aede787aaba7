"""Real hangs on throwaway clusters: each is one file in hangs/ that makes it, says what it must be diagnosed as and
undoes it. Used by test_zoo.py, by `scripts/demo --hang NAME` and by the README's table."""
