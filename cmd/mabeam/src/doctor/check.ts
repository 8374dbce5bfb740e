/** One finding of the doctor: what was looked at, how it stands, and the cure when it is not well. */
export interface Check {
  readonly name: string;
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do about it; absent when it is well. */
  readonly cure?: string;
}

/** Well. */
export function well(name: string, message: string): Check {
  return { name, status: 'ok', message };
}

/** Not as it should be, but things work. */
export function doubtful(name: string, message: string, cure: string): Check {
  return { name, status: 'warn', message, cure };
}

/** Broken. */
export function broken(name: string, message: string, cure: string): Check {
  return { name, status: 'fail', message, cure };
}
