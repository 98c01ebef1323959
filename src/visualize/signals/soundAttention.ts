/** Attention along a line of samples: curves below the waveform, on one axis of time. */
import { makeAxis } from '../axis.js';
import { categorical, ember } from '../color.js';
import { drawColorBar, drawTitles, MARGIN, titlesHeight } from '../layout.js';
import { imageFromMap } from '../picture.js';
import { Figure } from '../svg.js';
import { type Heading, inUnits, type ShownAttention, type ShownExample, type ShownModality } from './signal.js';
import { waveformImage } from './waveform.js';

const WIDTH = 760;
const LABELS = 132;
const WAVEFORM = 72;
const STRIP = 10;
const CURVE = 28;
const GAP = 10;

/** The waveform, and below it for each map a strip of heat under the map's curve, each in its own scale. */
export function soundAttention(
  modality: ShownModality,
  example: ShownExample,
  { maps, captions }: ShownAttention,
  { title, subtitle }: Heading,
): Figure {
  const left = MARGIN + LABELS;
  const width = WIDTH - left - MARGIN;
  const top = titlesHeight(WIDTH, title, subtitle) + 16;
  const rowHeight = CURVE + STRIP + GAP;
  const bottom = top + WAVEFORM + GAP + maps.length * rowHeight;
  const figure = new Figure(WIDTH, bottom + 64, title);
  drawTitles(figure, title, subtitle);
  const samples = inUnits(modality, example.values, example.length);
  const loudest = samples.reduce((most, x) => Math.max(most, Math.abs(x)), 0) || 1;
  const label = (text: string, y: number) =>
    figure.text(text, left - 12, y, { anchor: 'end', baseline: 'middle', color: 'muted', maxWidth: LABELS - 12 });
  label('input', top + WAVEFORM / 2);
  figure.image(waveformImage(samples, loudest, 2 * width, 2 * WAVEFORM), left, top, width, WAVEFORM);
  maps.forEach((map, m) => {
    const y = top + WAVEFORM + GAP + m * rowHeight;
    const shares = binned(map.subarray(0, example.length), width);
    const largest = Math.max(...shares) || 1;
    label(captions[m], y + (CURVE + STRIP) / 2);
    const points = Array.from(shares, (share, i): [number, number] => [
      left + ((i + 0.5) * width) / shares.length,
      y + CURVE * (1 - share / largest),
    ]);
    figure.polyline(points, { stroke: categorical[0], strokeWidth: 1 });
    figure.image(imageFromMap(shares, [1, shares.length], ember, 0, largest), left, y + CURVE, width, STRIP);
  });
  const duration = example.length / (modality.rate ?? 1);
  const time = makeAxis(0, duration, { ticks: Math.round(width / 90), nice: false });
  for (const tick of time.ticks) {
    const x = left + time.share(tick) * width;
    figure.line(x, bottom, x, bottom + 4, { stroke: 'faint' });
    const unit = tick === 0 ? ' s' : '';
    figure.text(time.label(tick) + unit, x, bottom + 18, { size: 11, anchor: 'middle', color: 'muted' });
  }
  drawColorBar(figure, ember, 0, 1, left, bottom + 40, 300, 'share of the map’s largest value');
  return figure;
}

/** Means over at most `most` neighbouring stretches. */
function binned(values: Float32Array, most: number): Float32Array {
  const bins = Math.min(most, values.length);
  return Float32Array.from({ length: bins }, (_, bin) => {
    const own = values.subarray(
      Math.floor((bin * values.length) / bins),
      Math.floor(((bin + 1) * values.length) / bins),
    );
    return own.reduce((a, b) => a + b, 0) / own.length;
  });
}
