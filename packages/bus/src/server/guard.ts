/**
 * The guard: a small `sh` between us and nats-server that ends the server when we are gone, even by kill -9.
 *
 * G1  It reads a pipe whose other end only we hold; the kernel closes that end however we die. End of file ends the server.
 * G2  Its exit is the server's exit, with the same code or signal, and comes after the server is gone.
 * G3  It is a session of its own, so that Ctrl-C in a terminal reaches us, who stop the server in good order, and not it.
 * G4  A temporary folder is removed by the guard, last of all: so it goes even when we cannot remove it any more.
 */
import { spawn } from 'node:child_process';
import { Socket } from 'node:net';

const script = `
trash=$1; shift
"$@" 3<&- & server=$!
{
  read -r _ <&3; kill -TERM "$server"; tries=0
  while [ $tries -lt 50 ] && kill -0 "$server"; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "$server"
} 2>/dev/null & watcher=$!
trap 'kill -TERM "$server" 2>/dev/null' TERM INT HUP
wait "$server"; status=$?
while kill -0 "$server" 2>/dev/null; do wait "$server"; status=$?; done
kill "$watcher" 2>/dev/null; wait "$watcher" 2>/dev/null
if [ -n "$trash" ]; then rm -rf -- "$trash"; fi
trap - TERM INT HUP
if [ "$status" -gt 128 ]; then kill -$((status - 128)) $$; fi
exit "$status"
`;

/** Options of `spawnGuarded`. */
export interface GuardOptions {
  /** Standard output and error of the command. */
  readonly logDescriptor: number;
  /** A folder that is removed after the command has ended. */
  readonly removeFolder?: string | undefined;
}

/** How a process ended: by itself with a code, or by a signal. */
export interface ServerExit {
  readonly code: number | undefined;
  readonly signal: string | undefined;
}

/** A command under guard. */
export interface Guarded {
  /** The guard's process id; it lives as long as the command. Undefined when not even the guard could be started. */
  readonly pid: number | undefined;
  /** Settles when command and guard are gone; it never rejects. */
  readonly exited: Promise<ServerExit>;
  /** Lets go of the pipe: the guard ends the command, in good order or after 5 s by force. */
  end(): void;
}

/** Spawns `command` under a guard. */
export function spawnGuarded(command: readonly string[], options: GuardOptions): Guarded {
  const { logDescriptor, removeFolder = '' } = options;
  const child = spawn('/bin/sh', ['-c', script, 'mabeam-guard', removeFolder, ...command], {
    stdio: ['ignore', logDescriptor, logDescriptor, 'pipe'],
    detached: true,
  });
  const pipe = child.stdio[3];
  if (!(pipe instanceof Socket)) throw new TypeError('the guard has no pipe');
  // The far end closes first when the guard ends; what matters is its exit, which is reported on its own.
  pipe.on('error', () => undefined);
  const exited = new Promise<ServerExit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }));
    child.once('error', () => resolve({ code: undefined, signal: undefined }));
  });
  // Should the guard itself be killed, closing the pipe still ends the server (G1).
  void exited.then(() => pipe.destroy());
  return { pid: child.pid, exited, end: () => void pipe.destroy() };
}
