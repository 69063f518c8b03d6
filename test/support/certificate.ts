/**
 * Of a name that nobody has, signed by itself, until 2126, and used on loopback alone: `openssl req -x509 -newkey ec
 * -pkeyopt ec_paramgen_curve:P-256 -nodes -days 36500 -subj /CN=hooks.example.com -addext
 * subjectAltName=DNS:hooks.example.com`
 */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBrTCCAVOgAwIBAgIUA4hxXHMCtfRZXQFXSHHpqnwSir4wCgYIKoZIzj0EAwIw
HDEaMBgGA1UEAwwRaG9va3MuZXhhbXBsZS5jb20wIBcNMjYxMTI2MTcyNTA5WhgP
MjEyNjExMDIxNzI1MDlaMBwxGjAYBgNVBAMMEWhvb2tzLmV4YW1wbGUuY29tMFkw
EwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEjsZ8uUyyhUtudofHF35ouv1f4Ok6dute
drMnNyenutZib6m+XJAREUE8PosN4rML4oJdEwp1Hv+fYSNEUAVHTKNxMG8wHQYD
VR0OBBYEFE7EjxrEWysD19Iy7Xw8NVS5ROTsMB8GA1UdIwQYMBaAFE7EjxrEWysD
19Iy7Xw8NVS5ROTsMA8GA1UdEwEB/wQFMAMBAf8wHAYDVR0RBBUwE4IRaG9va3Mu
ZXhhbXBsZS5jb20wCgYIKoZIzj0EAwIDSAAwRQIgPf4sbb2A3ymekp4G5vZx9BHu
RtDoN0cZj66zUmudoaICIQC9tj18A/I2aE/NOhYXcAqTQO8ZZBOFTiklxk7yfji4
wg==
-----END CERTIFICATE-----
`;

export const PRIVATE_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgHHsmpgBL/zxLQAB9
9CyFSx9RTcTxE6y1KKyrK2ErVeihRANCAASOxny5TLKFS252h8cXfmi6/V/g6Tp2
6152syc3J6e61mJvqb5ckBERQTw+iw3iswvigl0TCnUe/59hI0RQBUdM
-----END PRIVATE KEY-----
`;
