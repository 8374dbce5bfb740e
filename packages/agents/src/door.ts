/** A door: something an agent takes things through; closing takes nothing new and finishes what is in hand within a grace. */
export interface Door {
  close(graceMs: number): Promise<void>;
}
