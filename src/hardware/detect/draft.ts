// A detection while it grows: each kind of part is added by a file of its own.

/** A part of a machine, and the evidence for it. */
export interface DetectedPart {
  /** As a machine is written: `2xrtx-3090`, `2xddr5-6000`. */
  readonly part: string;
  /** The evidence, in words. */
  readonly seen: string;
  /** False: the catalogue does not know it, and this is the nearest part. */
  readonly exact: boolean;
}

/** A detection while it grows. */
export interface Draft {
  readonly parts: DetectedPart[];
  readonly remarks: string[];
  readonly notSeen: string[];
}
