/**
 * Who a process is, in telemetry: the resource attributes of its spans and of its log lines. They are chosen, not
 * detected: command lines and user names stay out.
 */
import type { Attributes } from '@opentelemetry/api';
import { attributes } from './semconv.ts';

export interface ProcessIdentity {
  /** `service.name`: the agent for an agent, else what the program is (`orchestrator`, `node`, `mail-desk`). */
  readonly service: string;
  readonly space?: string | undefined;
  readonly agent?: string | undefined;
  readonly ordinal?: string | undefined;
  readonly incarnation?: string | undefined;
  /** Told apart from other processes of the same service by this; an agent's is made of the four above. */
  readonly process?: string | undefined;
}

/** `service.instance.id`: the same for everything one process emits, different for every other process. */
export function instanceIdOf(identity: ProcessIdentity): string {
  const { agent, ordinal, incarnation, process } = identity;
  const who =
    agent === undefined
      ? `${identity.service}/${process ?? 'main'}`
      : `${agent}.${ordinal ?? '0'}/${incarnation ?? '0'}`;
  return `${identity.space ?? 'all'}/${who}`;
}

/** The resource attributes of a process. */
export function resourceAttributesOf(identity: ProcessIdentity): Attributes {
  const { agent, ordinal, incarnation, space } = identity;
  return {
    [attributes.serviceName]: identity.service,
    [attributes.serviceInstanceId]: instanceIdOf(identity),
    ...(space === undefined ? {} : { [attributes.space]: space }),
    ...(agent === undefined
      ? {}
      : { [attributes.agent]: agent, [attributes.instance]: `${agent}.${ordinal ?? '0'}` }),
    ...(incarnation === undefined ? {} : { [attributes.incarnation]: incarnation }),
  };
}
