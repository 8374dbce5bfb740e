/**
 * Readings of machines that nobody changed: real A/A noise. A folder of files `<name>.csv.gz`, as the Azure public dataset of noise
 * between virtual machines has them: a head line with `value` and `starttime`, a line for each machine.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** The readings of one file, in the order of time. */
export interface Series {
  readonly name: string;
  /** On which side readings are bad: latencies are bad above, all else below. */
  readonly direction: 'above' | 'below';
  readonly values: readonly number[];
}

/** Every series of a folder, by name; undefined when there is no such folder or nothing in it. */
export async function readSeries(folder: string): Promise<readonly Series[] | undefined> {
  const names = await readdir(folder).catch(() => []);
  const files = names.filter((name) => name.endsWith('.csv.gz')).toSorted();
  if (files.length === 0) return undefined;
  return Promise.all(
    files.map(async (file) => {
      const text = gunzipSync(await readFile(join(folder, file))).toString('utf8');
      const direction = file.includes('latency') ? 'above' : 'below';
      return { name: file.replace('.csv.gz', ''), direction, values: parseReadings(text) } as const;
    }),
  );
}

/** The readings of a file, in the order of their times; lines without a number or a time are left out. Pure. */
export function parseReadings(text: string): readonly number[] {
  const [head = '', ...lines] = text.trim().split('\n');
  const columns = head.trim().split(',');
  const [value, time] = [columns.indexOf('value'), columns.indexOf('starttime')];
  return lines
    .map((line) => line.trim().split(','))
    .map((cells) => ({ value: Number.parseFloat(cells[value] ?? ''), at: Date.parse(`${cells[time]}Z`) }))
    .filter((reading) => Number.isFinite(reading.value) && Number.isFinite(reading.at))
    .toSorted((a, b) => a.at - b.at)
    .map((reading) => reading.value);
}
