/** Of plain JSON data, which its owner may change later. Also of proxies, which structuredClone() refuses. */
export function jsonCopy<Data>(data: Data): Data {
  return data === undefined ? data : (JSON.parse(JSON.stringify(data)) as Data);
}
