/** One thing wrong in a definition, with its place in the file the user wrote. */
export interface DefinitionProblem {
  /** Offsets in the source text, end excluded. Both -1: the place is not known. */
  readonly start: number;
  readonly end: number;
  /** What is wrong and what would be right. May hold line breaks. */
  readonly message: string;
}

export const NO_PLACE = -1;
