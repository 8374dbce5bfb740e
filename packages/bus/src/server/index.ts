/** `@mabeam/bus/server`: finding, fetching, starting and guarding a nats-server. It needs no connection to one. */
export { findServer, type FindServerOptions, type FoundServer } from './find-server.ts';
export { startServer, type StartServerOptions } from './start-server.ts';
export { ServerHandle } from './server-handle.ts';
export type { ServerExit } from './guard.ts';
export { isAlive } from './process-identity.ts';
export { serverErrors } from './errors.ts';
export { requiredServerVersion } from './version.ts';
