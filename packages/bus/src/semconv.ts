/**
 * The names of what the bus itself puts on spans: OpenTelemetry's messaging and RPC conventions, and our own few.
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
  epoch: 'mabeam.epoch',
} as const;
