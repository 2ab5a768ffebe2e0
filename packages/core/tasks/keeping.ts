/** How many are kept; then all are made anew. */
const KEPT = 1_000;

/** Keeps what was made of a text: to make one takes as long as to use it. */
export function keeping<Made>(make: (text: string) => Made): (text: string) => Made {
  const kept = new Map<string, Made>();
  return (text) => {
    let one = kept.get(text);
    if (one === undefined) {
      one = make(text);
      if (kept.size >= KEPT) kept.clear();
      kept.set(text, one);
    }
    return one;
  };
}
