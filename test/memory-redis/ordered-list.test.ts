import fc from "fast-check";
import { expect, test } from "vitest";
import { createOrderedList } from "../../packages/memory-redis/ordered-list.ts";

interface Item {
  readonly value: number;
}

/** Thousands of items, so that chunks are split and emptied. */
const values = fc.uniqueArray(fc.integer(), { minLength: 1, maxLength: 4000, size: "max" });
const fraction = fc.double({ min: 0, max: 1, noNaN: true });

test("an ordered list does what a sorted array does", () => {
  fc.assert(
    fc.property(values, fc.array(fc.tuple(fraction, fraction), { maxLength: 20 }), (inserted, ranges) => {
      const list = createOrderedList<Item>((a, b) => a.value < b.value);
      const model: number[] = [];
      for (const value of inserted) list.insert({ value });
      model.push(...inserted.toSorted((a, b) => a - b));

      for (const [from, size] of ranges) {
        const start = Math.floor(from * model.length);
        const end = start + Math.floor(size * 700);
        expect(list.slice(start, end).map(({ value }) => value)).toEqual(model.slice(start, end));

        const at = model[start];
        if (at === undefined) continue;
        expect(list.firstPosition(({ value }) => value >= at)).toBe(start);
        expect(list.firstPosition(({ value }) => value > at)).toBe(start + 1);
        if (size < 0.5) {
          list.remove({ value: at });
          model.splice(start, 1);
        } else {
          const removed = list.removeSlice(start, end).map(({ value }) => value);
          expect(removed).toEqual(model.splice(start, end - start));
        }
        expect(list.length()).toBe(model.length);
      }
      expect(list.slice(0, Infinity).map(({ value }) => value)).toEqual(model);
    }),
    { numRuns: 50 },
  );
});
