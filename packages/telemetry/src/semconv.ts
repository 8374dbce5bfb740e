/**
 * The one list of attribute names: what the bus emits, and what the rooms above it add. Nobody writes such a name as a
 * literal; dashboards and readers rely on them.
 */
import { attributes as busAttributes } from '@mabeam/bus';

/** The names of all attributes that spans and log records of ours carry. */
export const attributes = {
  ...busAttributes,
  serviceName: 'service.name',
  serviceInstanceId: 'service.instance.id',
  processPid: 'process.pid',
  logStream: 'log.iostream',
  rpcMethod: 'rpc.method',
  exceptionType: 'exception.type',
  exceptionMessage: 'exception.message',
  exceptionStacktrace: 'exception.stacktrace',
  /** `<agent>.<ordinal>`: the instance, whichever incarnation it is. */
  instance: 'mabeam.instance',
  incarnation: 'mabeam.incarnation',
  agentRole: 'mabeam.agent.role',
  node: 'mabeam.node.id',
  variable: 'mabeam.variable.id',
  /** The arms of canaries that a call has seen: `<variable>=candidate|incumbent`. */
  canary: 'mabeam.canary',
  trigger: 'mabeam.trigger.name',
  adaptation: 'mabeam.adaptation.id',
} as const;
