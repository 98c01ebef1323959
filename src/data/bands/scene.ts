/** Scenes larger than a model's input: which tile answers for which part. */
import type { Window } from '../resample.js';

/** A tile of a scene. */
export interface SceneTile {
  /** What the model sees. */
  window: Window;
  /** The part of it that its answer is taken for, in pixels of the scene. */
  answers: Window;
}

/**
 * Tiles every `stride` pixels, the last ones moved back to end at the edge. Where tiles overlap each pixel is answered by
 * the one whose middle is nearer, so that a model sees something around what it answers for.
 * @param tile height and width, neither larger than the scene's
 */
export function sceneTiles(
  { height, width }: { height: number; width: number },
  [tall, wide]: readonly [number, number],
  [down, across]: readonly [number, number] = [tall, wide],
): SceneTile[] {
  const columns = spans(width, wide, across);
  return spans(height, tall, down).flatMap((row) =>
    columns.map((column) => ({
      window: { top: row.start, left: column.start, height: tall, width: wide },
      answers: { top: row.from, left: column.from, height: row.to - row.from, width: column.to - column.from },
    })),
  );
}

/** Tiles along one axis: where each starts, and from where to where it answers. */
function spans(length: number, size: number, stride: number): { start: number; from: number; to: number }[] {
  const last = length - size;
  const starts = Array.from({ length: Math.ceil(last / stride) + 1 }, (_, i) => Math.min(last, i * stride));
  // Borders lie in the middle of the overlaps.
  const border = (i: number) => (starts[i] + size + starts[i + 1]) >> 1;
  return starts.map((start, i) => ({
    start,
    from: i === 0 ? 0 : border(i - 1),
    to: i === starts.length - 1 ? length : border(i),
  }));
}
