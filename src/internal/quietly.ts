/** A listener of somebody else's, whose own failure is no matter of who calls it. */
export function quietly<Value>(listener: (value: Value) => void): (value: Value) => void {
  return (value) => {
    try {
      listener(value);
    } catch {
      // There is nobody to tell.
    }
  };
}
