/** Stands in for pi's image files, which need wasm: images pass as they are, or are refused by the caller. */
function refuse(name: string): never {
  throw Object.assign(new Error(`\`${name}\` is not available in the sandbox: it needs WebAssembly`), { code: 'UNSUPPORTED_API' });
}

export const convertToPng = (): never => refuse('convertToPng');
export const convertImageBytesToPng = (): never => refuse('convertImageBytesToPng');
export const resizeImage = (): never => refuse('resizeImage');
export const formatDimensionNote = (): never => refuse('formatDimensionNote');
