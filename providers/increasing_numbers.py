"""The smallest provider: the numbers from 1 to `last`, a hundred a page; the cursor is the number that comes next."""

import incrsim


class IncreasingNumbers(incrsim.IncrementalEntityProvider):  # noqa: D101 -- the smallest provider is for reading, in one look
    name = "increasing-numbers"
    last = 1000

    def next(self, context: object, cursor: int | None = None) -> incrsim.Page:  # noqa: D102 -- the smallest provider is for reading, in one look
        numbers = range(cursor or 1, self.last + 1)
        entities = [incrsim.component(f"n{n}", provider=self) for n in numbers[:100]]
        return incrsim.Page(entities, cursor=numbers.start + 100, done=not numbers[100:])
