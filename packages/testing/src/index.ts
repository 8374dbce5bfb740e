/** `@mabeam/testing`: real surroundings for tests, ours and users'. */
export { startTestServer } from './test-server.ts';
export { openFaultProxy, type FaultProxy } from './fault-proxy.ts';
export { LossyProxy, openLossyProxy } from './lossy-proxy.ts';
export type { FrameCounts, FrameFaultOptions } from './frame-faults.ts';
export { FrameReader, frameHeaders, type Frame, type LineFrame, type MessageFrame } from './nats-frame.ts';
export { freshSpace } from './fresh-space.ts';
export { waitFor, type WaitForOptions } from './wait-for.ts';
export { isAlive } from '@mabeam/bus/server';
export { processesNaming } from './processes-naming.ts';
