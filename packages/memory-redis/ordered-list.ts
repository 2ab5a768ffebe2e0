/**
 * Items in order, reached by position or by a search.
 *
 * The items lie in chunks, so that an insertion moves some hundred items and not the whole tail: in one
 * array of 100,000 it would cost tens of microseconds. Positions are counted chunk by chunk, and there are
 * few chunks.
 */
export interface OrderedList<T> {
  length(): number;
  insert(item: T): void;
  /** Removes an item that is in the list. */
  remove(item: T): void;
  /** The first position whose item passes, given that all items after one that passes do too. */
  firstPosition(passes: (item: T) => boolean): number;
  /** The items at positions `start` to `end`, `end` excluded. */
  slice(start: number, end: number): T[];
  /** Removes the items at positions `start` to `end`, `end` excluded, and returns them. */
  removeSlice(start: number, end: number): T[];
}

const MAX_CHUNK = 512;

/** An empty list whose items are in the order of `isBefore`, which must be total. */
export function createOrderedList<T extends object>(isBefore: (a: T, b: T) => boolean): OrderedList<T> {
  // There is always one chunk; no other is ever empty.
  let chunks: T[][] = [[]];
  let length = 0;

  /** The chunk, and the index in it, of the first item that passes or, when none does, of the end. */
  function locate(passes: (item: T) => boolean): [chunk: T[], index: number, chunkIndex: number] {
    const found = firstIndex(chunks, (chunk) => {
      const last = chunk.at(-1);
      return last !== undefined && passes(last);
    });
    const chunkIndex = Math.min(found, chunks.length - 1);
    const chunk = chunks[chunkIndex] ?? [];
    return [chunk, firstIndex(chunk, passes), chunkIndex];
  }

  function removeSlice(start: number, end: number): T[] {
    const removed: T[] = [];
    let offset = 0;
    for (const chunk of chunks) {
      if (offset >= end) break;
      const size = chunk.length;
      const from = Math.max(0, start - offset);
      if (from < size) removed.push(...chunk.splice(from, end - offset - from));
      offset += size;
    }
    length -= removed.length;
    chunks = chunks.filter((chunk) => chunk.length > 0);
    if (chunks.length === 0) chunks = [[]];
    return removed;
  }

  return {
    length: () => length,
    insert(item) {
      const [chunk, index, chunkIndex] = locate((other) => isBefore(item, other));
      chunk.splice(index, 0, item);
      length++;
      if (chunk.length > MAX_CHUNK) chunks.splice(chunkIndex + 1, 0, chunk.splice(MAX_CHUNK / 2));
    },
    remove(item) {
      const [chunk, index, chunkIndex] = locate((other) => !isBefore(other, item));
      chunk.splice(index, 1);
      length--;
      if (chunk.length === 0 && chunks.length > 1) chunks.splice(chunkIndex, 1);
    },
    firstPosition(passes) {
      const [, index, chunkIndex] = locate(passes);
      return chunks.slice(0, chunkIndex).reduce((sum, chunk) => sum + chunk.length, index);
    },
    slice(start, end) {
      const items: T[] = [];
      let offset = 0;
      for (const chunk of chunks) {
        if (offset >= end) break;
        if (offset + chunk.length > start)
          items.push(...chunk.slice(Math.max(0, start - offset), end - offset));
        offset += chunk.length;
      }
      return items;
    },
    removeSlice: (start, end) => (start < end ? removeSlice(start, end) : []),
  };
}

/** The first index whose item passes, in an array where all that pass come after all that do not. */
function firstIndex<T extends object>(items: readonly T[], passes: (item: T) => boolean): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const item = items[middle];
    if (item === undefined || passes(item)) high = middle;
    else low = middle + 1;
  }
  return low;
}
