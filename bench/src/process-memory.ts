/** The resident memory of another process. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

const kilobytesAMegabyte = 1_000;

/** Resident memory of a process in MB (10⁶ bytes of 1,024-byte pages as the system counts them). Throws when it is gone. */
export function residentMegabytes(pid: number): number {
  const status = `/proc/${pid}/status`;
  const text = existsSync(status)
    ? /^VmRSS:\s+(\d+)/m.exec(readFileSync(status, 'utf8'))?.[1]
    : execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  const kilobytes = Number(text);
  if (!(kilobytes > 0)) throw new Error(`process ${pid} has no resident memory`);
  return kilobytes / kilobytesAMegabyte;
}
