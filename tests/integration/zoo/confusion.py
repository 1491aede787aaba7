"""Made against diagnosed: one row per hang, printed at the end of the run."""

WIDTHS = (26, 36, 36)


class Confusion:
    def __init__(self):
        self.rows = []

    def add(self, made, expected, diagnosed):
        self.rows.append((made, expected, diagnosed))

    def wrong(self):
        return [row for row in self.rows if row[1] != row[2]]

    def lines(self):
        yield "".join(text.ljust(width) for text, width in zip(("made", "must be diagnosed as", "was diagnosed as"), WIDTHS))
        for row in self.rows:
            yield "".join(text.ljust(width) for text, width in zip(row, WIDTHS)) + ("" if row[1] == row[2] else "WRONG")
        yield f"{len(self.rows)} diagnosed, {len(self.wrong())} wrong"
