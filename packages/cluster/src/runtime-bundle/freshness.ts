/** Whether a bundle is still what its sources say: the files it was made of, as they were then. */
import { statSync } from 'node:fs';

/** A file as it was: size in bytes, times in ms since 1970. A file that was not there has `size` -1. */
export interface Stamp {
  readonly path: string;
  readonly size: number;
  readonly modifiedMs: number;
  readonly changedMs: number;
}

/** Stamps a file as it is now. */
export function stampOf(path: string): Stamp {
  const found = statSync(path, { throwIfNoEntry: false });
  return {
    path,
    size: found?.size ?? -1,
    modifiedMs: found?.mtimeMs ?? 0,
    changedMs: found?.ctimeMs ?? 0,
  };
}

/** True while every file is as it was stamped; `look` stamps a file, by default as it is on the disk. */
export function areFresh(stamps: readonly Stamp[], look: (path: string) => Stamp = stampOf): boolean {
  return stamps.every((stamp) => {
    const now = look(stamp.path);
    return (
      now.size === stamp.size && now.modifiedMs === stamp.modifiedMs && now.changedMs === stamp.changedMs
    );
  });
}

/** The first file that was touched at or after a time, if any. */
export function touchedSince(stamps: readonly Stamp[], sinceMs: number): string | undefined {
  return stamps.find(({ modifiedMs, changedMs }) => Math.max(modifiedMs, changedMs) >= sinceMs)?.path;
}
