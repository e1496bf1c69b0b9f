package wecom

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // the vendor's signature is SHA-1
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// What is wrong with a callback's envelope. None of them says more: an attacker
// must not learn which part was nearly right.
var (
	errSignature = errors.New("wecom: the signature does not match")
	errCipher    = errors.New("wecom: the encrypted text is damaged")
	errReceiver  = errors.New("wecom: the message is for another receiver")
)

// padBlock is the block of the padding, which is not that of the cipher.
const padBlock = 32

// envelope signs, opens and seals what goes through a callback: SHA-1 over the
// sorted parts, AES-256-CBC with the key's head as vector, and inside it
// random(16) length(4) message receiver, padded to 32.
type envelope struct {
	token    string
	key      []byte
	receiver string // corpid; "" for an AI bot
}

func newEnvelope(token, encodingAESKey, receiver string) (*envelope, error) {
	key, err := base64.StdEncoding.DecodeString(encodingAESKey + "=")
	if err != nil || len(key) != 32 {
		return nil, errors.New("wecom: the EncodingAESKey is not 43 letters and digits of base64")
	}
	return &envelope{token: token, key: key, receiver: receiver}, nil
}

// sign gives msg_signature.
func (e *envelope) sign(timestamp, nonce, encrypted string) string {
	parts := []string{e.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, ""))) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// verify compares in constant time.
func (e *envelope) verify(signature, timestamp, nonce, encrypted string) error {
	want := e.sign(timestamp, nonce, encrypted)
	if subtle.ConstantTimeCompare([]byte(want), []byte(signature)) != 1 {
		return errSignature
	}
	return nil
}

// open decrypts and checks for whom it is.
func (e *envelope) open(encrypted string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil || len(data) == 0 || len(data)%aes.BlockSize != 0 {
		return nil, errCipher
	}
	block, err := aes.NewCipher(e.key)
	if err != nil {
		return nil, errCipher
	}
	plain := make([]byte, len(data))
	cipher.NewCBCDecrypter(block, e.key[:aes.BlockSize]).CryptBlocks(plain, data)
	plain, ok := unpad(plain)
	if !ok || len(plain) < 20 {
		return nil, errCipher
	}
	size := uint64(binary.BigEndian.Uint32(plain[16:20]))
	if size > uint64(len(plain)-20) {
		return nil, errCipher
	}
	message, receiver := plain[20:20+size], plain[20+size:]
	if subtle.ConstantTimeCompare(receiver, []byte(e.receiver)) != 1 {
		return nil, errReceiver
	}
	return message, nil
}

// seal encrypts for a passive reply.
func (e *envelope) seal(message []byte) (string, error) {
	plain := make([]byte, 20, 20+len(message)+len(e.receiver)+padBlock)
	if _, err := rand.Read(plain[:16]); err != nil {
		return "", err
	}
	binary.BigEndian.PutUint32(plain[16:20], uint32(len(message)))
	plain = append(append(plain, message...), e.receiver...)
	plain = pad(plain)
	block, err := aes.NewCipher(e.key)
	if err != nil {
		return "", err
	}
	cipher.NewCBCEncrypter(block, e.key[:aes.BlockSize]).CryptBlocks(plain, plain)
	return base64.StdEncoding.EncodeToString(plain), nil
}

func pad(plain []byte) []byte {
	n := padBlock - len(plain)%padBlock
	for range n {
		plain = append(plain, byte(n))
	}
	return plain
}

func unpad(plain []byte) ([]byte, bool) {
	n := int(plain[len(plain)-1])
	if n < 1 || n > padBlock || n > len(plain) {
		return nil, false
	}
	for _, c := range plain[len(plain)-n:] {
		if int(c) != n {
			return nil, false
		}
	}
	return plain[:len(plain)-n], true
}
