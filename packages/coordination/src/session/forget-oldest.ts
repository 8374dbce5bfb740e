/** Takes the entry that was set first out of a map that holds more than so many, and returns its value; undefined when there is none to take. */
export function forgetOldest<T>(map: Map<string, T>, most: number): T | undefined {
  const [oldest] = map;
  if (map.size <= most || oldest === undefined) return undefined;
  map.delete(oldest[0]);
  return oldest[1];
}
