/** `@mabeam/testing`: real surroundings for tests, ours and users'. */
export { startTestServer } from './test-server.ts';
export { openFaultProxy, type FaultProxy } from './fault-proxy.ts';
export { LossyProxy, openLossyProxy } from './lossy-proxy.ts';
export type { FrameCounts, FrameFaultOptions } from './frame-faults.ts';
export { FrameReader, frameHeaders, type Frame, type LineFrame, type MessageFrame } from './nats-frame.ts';
export { freshSpace } from './fresh-space.ts';
export { waitFor, type WaitForOptions } from './wait-for.ts';
export { isAlive } from '@mabeam/bus/server';
export { processesNaming, type NamedProcess } from './processes-naming.ts';
export { simulate, type Crash, type SimulationOptions, type SimulationRun } from './simulation/simulate.ts';
export type { PartyInput, PartyStep, Sending, SimulatedParty, TimerSetting } from './simulation/party.ts';
export type { NetworkWeather, Partition } from './simulation/weather.ts';
export { seededRandom, type Random } from './simulation/random.ts';
export {
  checkLinearizability,
  type LinearizabilityVerdict,
  type ObservedOperation,
  type SequentialModel,
} from './linearizability/linearizability.ts';
export { registerModel, type RegisterOperation } from './linearizability/register.ts';
