/** What both ends of the task benchmark agree on. */

export const taskGroup = 'bench';
/** Tasks worked on at once. */
export const taskConcurrency = 32;
/** Submissions under way at once. */
export const submitConcurrency = 256;
