const tagged = (tag: string) => (value: unknown) => Object.prototype.toString.call(value) === `[object ${tag}]`;
const instance = (type: Function) => (value: unknown) => value instanceof type;
const typedTag = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), Symbol.toStringTag)?.get;
const typed = (name: string) => (value: unknown) => typedTag?.call(value) === name;

/** `util.types`: by internal slot where the language lets one see it, else by tag. */
export const types = {
  isAnyArrayBuffer: (value: unknown) => value instanceof ArrayBuffer || value instanceof SharedArrayBuffer,
  isArrayBuffer: instance(ArrayBuffer),
  isSharedArrayBuffer: instance(SharedArrayBuffer),
  isArrayBufferView: (value: unknown) => ArrayBuffer.isView(value),
  isTypedArray: (value: unknown) => typedTag?.call(value) !== undefined,
  isUint8Array: typed('Uint8Array'),
  isUint8ClampedArray: typed('Uint8ClampedArray'),
  isUint16Array: typed('Uint16Array'),
  isUint32Array: typed('Uint32Array'),
  isInt8Array: typed('Int8Array'),
  isInt16Array: typed('Int16Array'),
  isInt32Array: typed('Int32Array'),
  isFloat16Array: typed('Float16Array'),
  isFloat32Array: typed('Float32Array'),
  isFloat64Array: typed('Float64Array'),
  isBigInt64Array: typed('BigInt64Array'),
  isBigUint64Array: typed('BigUint64Array'),
  isDataView: instance(DataView),
  isPromise: instance(Promise),
  isRegExp: tagged('RegExp'),
  isDate: tagged('Date'),
  isMap: instance(Map),
  isSet: instance(Set),
  isWeakMap: instance(WeakMap),
  isWeakSet: instance(WeakSet),
  isMapIterator: tagged('Map Iterator'),
  isSetIterator: tagged('Set Iterator'),
  isNativeError: (value: unknown) => value instanceof Error || tagged('Error')(value),
  isAsyncFunction: (value: unknown) => typeof value === 'function' && tagged('AsyncFunction')(value),
  isGeneratorFunction: (value: unknown) => typeof value === 'function' && (tagged('GeneratorFunction')(value) || tagged('AsyncGeneratorFunction')(value)),
  isGeneratorObject: tagged('Generator'),
  isArgumentsObject: tagged('Arguments'),
  isModuleNamespaceObject: tagged('Module'),
  isNumberObject: instance(Number),
  isStringObject: instance(String),
  isBooleanObject: instance(Boolean),
  isBigIntObject: instance(BigInt),
  isSymbolObject: instance(Symbol),
  isBoxedPrimitive: (value: unknown) => [Number, String, Boolean, BigInt, Symbol].some((type) => value instanceof type),
  // no script can see one
  isProxy: () => false,
  // Objects of the embedder exist in no isolate of ours.
  isExternal: () => false,
  isCryptoKey: tagged('CryptoKey'),
  isKeyObject: tagged('KeyObject'),
};
