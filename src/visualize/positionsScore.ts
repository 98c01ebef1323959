/** The locality score as a panel, and what all pictures of positions share. */
import { formatNumber } from './axis.js';
import { categorical } from './color.js';
import { type Locality, type LocalityOptions, usualDistance } from './locality.js';
import type { Figure } from './svg.js';

/** What is shown beside the colours. */
export interface PositionsFigureOptions {
  title?: string;
  subtitle?: string;
  /** `[rows, columns]` of similarity maps of an image; default 7x7. */
  grid?: readonly [number, number];
  locality?: LocalityOptions;
  /** The score, where it was computed already. */
  found?: Locality;
}

/** Bold words above what begins at (x, y). */
export function drawHeading(figure: Figure, text: string, x: number, y: number): void {
  figure.text(text, x, y - 10, { size: 12, weight: 'bold' });
}

/** Bars of the histogram, the last of them for all that is farther away. */
const BINS = 16;

/** The score in large figures, what it means, and the histogram of the neighbours' distances, `width` pixels from (x, y). */
export function drawScore(
  figure: Figure,
  { score, chance, distances }: Locality,
  shape: readonly number[],
  { neighbours = 8, distance = usualDistance(shape) }: LocalityOptions,
  x: number,
  y: number,
  width: number,
): void {
  figure.text('Locality score', x, y, { size: 12, weight: 'bold' });
  figure.text(score.toFixed(2), x, y + 36, { size: 34, weight: 'bold', color: 'accent' });
  figure.text(`chance ${formatNumber(chance, 2)}`, x + 84, y + 20, { size: 12, color: 'muted' });
  const steps = shape.length === 2 ? 'pixel' : 'step';
  figure.text(
    `of the ${neighbours} nearest lie within ${distance} ${steps}${distance === 1 ? '' : 's'}`,
    x + 84,
    y + 36,
    {
      size: 12,
      color: 'muted',
    },
  );
  const counts = new Float64Array(BINS + 1); // bin b holds b < d ≤ b + 1, the last one all that is farther away
  for (const d of distances) counts[Math.min(BINS, Math.ceil(d) - 1)]++;
  const largest = Math.max(1, ...counts);
  const [top, base, bar] = [y + 58, y + 152, width / (BINS + 1)];
  counts.forEach((count, bin) => {
    const h = ((base - top) * count) / largest;
    const near = bin < BINS && bin + 1 <= distance;
    figure.rect(x + bin * bar + 1, base - h, bar - 2, h, {
      fill: near ? categorical[0] : 'faint',
      radius: Math.min(2, h / 2),
    });
    const label = bin === BINS ? `>${BINS}` : [1, 2, 4, 8, 12].includes(bin + 1) ? String(bin + 1) : '';
    figure.text(label, x + (bin + 0.5) * bar, base + 16, { size: 11, anchor: 'middle', color: 'muted' });
  });
  figure.line(x, base, x + width, base, { stroke: 'faint' });
  const where = shape.length === 2 ? 'in the image, in pixels' : 'in the signal, in steps along an axis';
  figure.text(`distance ${where}, rounded up`, x, base + 34, { size: 11, color: 'muted' });
}
