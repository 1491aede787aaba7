"""Made against diagnosed: one row per hang, printed at the end of the run."""


class Confusion:
    def __init__(self):
        self.rows = []

    def add(self, made, expected, diagnosed):
        self.rows.append((made, expected, diagnosed))

    def wrong(self):
        return [row for row in self.rows if row[1] != row[2]]

    def lines(self):
        rows = [("made", "must be diagnosed as", "was diagnosed as"), *self.rows]
        widths = [max(len(row[column]) for row in rows) + 2 for column in range(3)]
        for row in rows:
            cells = "".join(cell.ljust(width) for cell, width in zip(row, widths))
            yield cells.rstrip() if row is rows[0] or row[1] == row[2] else cells + "WRONG"
        yield f"{len(self.rows)} diagnosed, {len(self.wrong())} wrong"
