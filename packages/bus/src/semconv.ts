/**
 * The names of what the bus itself puts on spans – OpenTelemetry's messaging and RPC conventions, and our own few – and of what
 * several rooms above it do.
 * This is the bottom half of the one list; @mabeam/telemetry re-exports it with the names the upper rooms use.
 */
export const attributes = {
  messagingSystem: 'messaging.system',
  messagingSystemName: 'messaging.system.name',
  messagingOperation: 'messaging.operation.name',
  messagingOperationType: 'messaging.operation.type',
  messagingDestination: 'messaging.destination.name',
  messagingMessageId: 'messaging.message.id',
  messagingDeliveryAttempt: 'mabeam.task.delivery',
  errorType: 'error.type',
  space: 'mabeam.space',
  agent: 'mabeam.agent.id',
  task: 'mabeam.task.id',
  variableRevision: 'mabeam.variable.revision',
  roundProtocol: 'mabeam.round.protocol',
  /** `true` at the start of a root span: kept whatever the rate limit says (conversations, failures, directives, adaptations). */
  alwaysSample: 'mabeam.always_sample',
  epoch: 'mabeam.epoch',
} as const;
