/**
 * Ours: a typed question. The body (64 bytes of MessagePack) is checked by a schema at the responder's edge; deadline, trace
 * context and typed errors are those of every request of the bus.
 */
import { connectBus, subjects } from '@mabeam/bus';
import { z } from 'zod';
import { packedBody, type Asker, type Meeting } from './contender.ts';

const questionSchema = z.object({ id: z.number(), kind: z.enum(['mail', 'note']), text: z.string() });

export async function openAsker({ url, token }: Meeting): Promise<Asker> {
  const bus = await connectBus({ name: 'asker', url });
  const subject = subjects('bench').askAgent(token);
  return { ask: () => bus.request(subject, packedBody) };
}

export async function openResponder({ url, token }: Meeting): Promise<void> {
  const bus = await connectBus({ name: 'responder', url });
  bus.serve(subjects('bench').askAgent(token), (request) => questionSchema.parse(request.body));
  await bus.flush();
}
