"""One file per hang; the file's name is the hang's."""
