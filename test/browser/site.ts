/** A web site on localhost with the library in it, as a bundler makes it. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../../../', import.meta.url));

const TYPES: Record<string, string> = {
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.wasm': 'application/wasm',
  '.html': 'text/html',
};

export interface Site {
  url: string;
  /** Files of the bundle, and the modules that went into it. */
  outputs: string[];
  modules: string[];
  close(): Promise<void>;
}

/**
 * Bundles the page and, as an entry of its own, the engine's worker, laid out so that the address by which the library
 * starts its worker leads there. ONNX Runtime becomes a chunk beside the worker; its `.wasm` files are served beside it.
 */
export async function openSite(): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'hip-browser-'));
  const { metafile } = await build({
    entryPoints: {
      'app/page': join(root, 'dist/test/browser/page.js'),
      'worker/browser': join(root, 'dist/src/engine/worker/browser.js'),
    },
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: 'worker/[name]-[hash]',
    format: 'esm',
    platform: 'browser',
    conditions: ['browser'],
    metafile: true,
    logLevel: 'silent',
  });
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    try {
      const content =
        path === '/'
          ? '<!doctype html><title>Test</title><script type="module" src="/app/page.js"></script>'
          : readFileSync(fileOf(folder, path));
      response.writeHead(200, {
        'Content-Type': path === '/' ? 'text/html' : (TYPES[extname(path)] ?? 'application/octet-stream'),
        // Shared memory, and with it several threads, is for cross-origin isolated pages alone.
        'Cross-Origin-Opener-Policy': 'same-origin',
        'Cross-Origin-Embedder-Policy': 'require-corp',
        'Cross-Origin-Resource-Policy': 'same-origin',
      });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}/`,
    outputs: Object.keys(metafile.outputs),
    modules: Object.keys(metafile.inputs),
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function fileOf(folder: string, path: string): string {
  return extname(path) === '.wasm'
    ? join(root, 'node_modules/onnxruntime-web/dist', basename(path))
    : join(folder, path);
}
