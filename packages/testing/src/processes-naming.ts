/** Which processes are there: to show that a test has left none behind. */
import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A running process and its command line. */
export interface NamedProcess {
  readonly pid: number;
  readonly command: string;
}

/** The living processes, other than this one, whose command line contains `text`: a store folder, say, or a port. */
export async function processesNaming(text: string): Promise<readonly NamedProcess[]> {
  const all = process.platform === 'linux' ? await readCommandLines() : await listCommandLines();
  return all.filter(({ pid, command }) => pid !== process.pid && command.includes(text));
}

async function readCommandLines(): Promise<NamedProcess[]> {
  const pids = (await readdir('/proc')).map(Number).filter(Number.isInteger);
  const read = pids.map(async (pid) => {
    // A process that ended in between has no command line any more, and a zombie an empty one.
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    return { pid, command: command.replaceAll('\0', ' ').trim() };
  });
  return await Promise.all(read);
}

async function listCommandLines(): Promise<NamedProcess[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,args='], { maxBuffer: 1 << 24 });
  return stdout.split('\n').map((line) => {
    const [, pid, command] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid: Number(pid), command: command ?? '' };
  });
}
