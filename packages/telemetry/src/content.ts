/**
 * What counts as content: the fields in which people's words, models' answers and agents' results tend to stand. They
 * stay out of telemetry; in their place stands `[withheld]`.
 */
export const contentKeys: ReadonlySet<string> = new Set([
  'body',
  'content',
  'input',
  'output',
  'prompt',
  'completion',
  'messages',
  'raw',
  'mail',
  'text',
]);

export const withheld = '[withheld]';
