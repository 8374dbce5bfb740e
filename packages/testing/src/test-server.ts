/** A real nats-server for one test or one run of tests. */
import { startServer, type ServerHandle, type StartServerOptions } from '@mabeam/bus/server';

/**
 * Starts a nats-server on a free port with a temporary store. Both are gone when the handle is disposed of, and also when
 * this process is killed. Throws what `startServer` throws.
 */
export function startTestServer(options: Omit<StartServerOptions, 'storeDir'> = {}): Promise<ServerHandle> {
  return startServer({ ...options, storeDir: undefined });
}
