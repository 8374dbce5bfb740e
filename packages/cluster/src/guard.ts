/**
 * The guard: makes process groups end with this process, however this process ends.
 *
 * A child that is written for it ends when its control pipe does. The guard answers for the others: foreign commands, and
 * agents that are stuck. It is one tiny shell per process that reads from a pipe which groups to watch. When the pipe
 * ends without them having been released – the process was killed – it sends each group SIGTERM and, half a second
 * later, SIGKILL.
 *
 * G1  A group is watched from `guardGroup` until its disposal; a guard that dies is replaced and told all groups again.
 * G2  The guard keeps nobody alive: it is unreferenced, and ends with the process when there is nothing to do.
 * G3  Without process groups (Windows) or a shell nothing is guarded: there the control pipe alone carries the news.
 */
import { spawn, type ChildProcess } from 'node:child_process';

/** Does the system have process groups? */
export const hasProcessGroups: boolean = process.platform !== 'win32';

const script = `
trap '' TERM INT HUP
groups=' '
while read -r verb group; do
  case $verb in
    watch) groups="$groups$group " ;;
    release) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
[ "$groups" = ' ' ] && exit 0
for group in $groups; do kill -s TERM -- "-$group"; done
sleep 0.5
for group in $groups; do kill -s KILL -- "-$group"; done
`;

const watched = new Set<number>();
let shell: ChildProcess | undefined;

/** Watches the process group of a pid (its leader, started `detached`) until disposed (G1). */
export function guardGroup(pid: number): Disposable {
  if (!hasProcessGroups) return { [Symbol.dispose]: () => undefined };
  watched.add(pid);
  if (shell === undefined) startShell();
  else tell('watch', pid);
  return {
    [Symbol.dispose]: () => {
      if (watched.delete(pid)) tell('release', pid);
    },
  };
}

function startShell(): void {
  const started = spawn('/bin/sh', ['-c', script, 'mabeam-guard'], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  shell = started;
  started.unref();
  if (started.stdin !== null && 'unref' in started.stdin && typeof started.stdin.unref === 'function') {
    started.stdin.unref();
  }
  started.stdin?.on('error', () => undefined); // the guard's exit tells the same
  started.once('error', () => undefined); // no shell: G3; `shell` stays set, so that it is not tried again
  started.once('exit', () => {
    shell = undefined;
    if (watched.size > 0) startShell();
  });
  for (const pid of watched) tell('watch', pid);
}

function tell(verb: 'watch' | 'release', pid: number): void {
  if (shell?.stdin?.writable === true) shell.stdin.write(`${verb} ${pid}\n`);
}
