/** The known word nearest to a mistyped one, for messages that name the cure. Pure. */

/**
 * The candidate that differs least from `word`, or undefined when none is near: near means at most a third of the
 * word's letters changed, added or left out, so nothing is near a word of one or two. Ties go to the earlier candidate.
 */
export function nearestWord(word: string, candidates: readonly string[]): string | undefined {
  const plain = simplify(word);
  const limit = Math.floor(plain.length / 3);
  let best: { readonly candidate: string; readonly distance: number } | undefined;
  for (const candidate of candidates) {
    const distance = editDistance(plain, simplify(candidate));
    if (distance <= limit && (best === undefined || distance < best.distance)) best = { candidate, distance };
  }
  return best?.candidate;
}

/** Spelling habits are not mistakes: case, `_` and `-` do not count. */
function simplify(word: string): string {
  return word.toLowerCase().replaceAll(/[_-]/g, '');
}

/** Levenshtein's distance, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitution, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
