/** Anchor: Moleculer with its NATS transporter and its defaults, an echo without parameter checks. */
import moleculer, { type ServiceBroker as Broker } from 'moleculer';
import { jsonBody, type Asker, type Meeting } from './contender.ts';

function openBroker(url: string, nodeID: string): Broker {
  return new moleculer.ServiceBroker({ nodeID, transporter: url, logger: false });
}

export async function openAsker({ url }: Meeting): Promise<Asker> {
  const broker = openBroker(url, 'asker');
  await broker.start();
  await broker.waitForServices('echo', 10_000);
  return { ask: () => broker.call('echo.say', jsonBody) };
}

export async function openResponder({ url }: Meeting): Promise<void> {
  const broker = openBroker(url, 'responder');
  broker.createService({ name: 'echo', actions: { say: (context) => context.params } });
  await broker.start();
}
