/* SPDX-License-Identifier: MIT */
/* The published vectors (vectors/noise_psk0.json beside the repository, or in $SKT_VECTORS), and cases of our
 * own that are always there. */
#include "base/check.h"
#include "base/err.h"
#include "crypto/hex.h"
#include "proto/fixed_crypto.h"
#include "proto/keys/noise.h"

#include <stdlib.h>
#include <string.h>

/* --- as much JSON as the file needs: values by key inside a piece of text --- */

struct text {
    const char *p;
    size_t len;
};

/* The value of "key" in t: a string without its quotes, or an array or object with its brackets; p is NULL if
 * absent. */
static struct text json_get(struct text t, const char *key)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\"", key);
    char *copy = strndup(t.p, t.len);
    const char *at = strstr(copy, quoted);
    struct text v = {NULL, 0};
    if (at) {
        at += strlen(quoted);
        at += strspn(at, " :\n");
        const char *end = at;
        if (*at == '"') {
            end = strchr(++at, '"');
        } else {
            int depth = 0;
            do {
                depth += *end == '[' || *end == '{' ? 1 : *end == ']' || *end == '}' ? -1 : 0;
                end++;
            } while (depth > 0 && *end);
        }
        v = (struct text){t.p + (at - copy), (size_t)(end - at)};
    }
    free(copy);
    return v;
}

/* The next object of an array, from *pos on; p is NULL at the end. */
static struct text json_next_object(struct text array, size_t *pos)
{
    size_t i = *pos;
    while (i < array.len && array.p[i] != '{')
        i++;
    size_t start = i;
    int depth = 0;
    for (; i < array.len; i++) {
        depth += array.p[i] == '{' ? 1 : array.p[i] == '}' ? -1 : 0;
        if (depth == 0)
            break;
    }
    if (start >= array.len || i >= array.len)
        return (struct text){NULL, 0};
    *pos = i + 1;
    return (struct text){array.p + start, i + 1 - start};
}

/* Decodes the hexadecimal value of a key; 0 if absent. */
static size_t json_hex(struct text t, const char *key, uint8_t *out, size_t cap)
{
    struct text v = json_get(t, key);
    if (!v.p)
        return 0;
    /* a list of one psk is read as that psk */
    while (v.len > 0 && strchr("[] \n\"", v.p[0]))
        v.p++, v.len--;
    while (v.len > 0 && strchr("[] \n\"", v.p[v.len - 1]))
        v.len--;
    char *copy = strndup(v.p, v.len);
    size_t n = hex_decode(copy, out, cap);
    free(copy);
    return n;
}

static char *read_vectors(void)
{
    char path[1024];
    const char *dir = getenv("SKT_VECTORS");
    if (dir)
        snprintf(path, sizeof path, "%s/noise_psk0.json", dir);
    else
        snprintf(path, sizeof path, "%s/../shared/vectors/noise_psk0.json", SKT_SOURCE_DIR);
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    char *text = calloc(1, 1 << 20);
    size_t n = fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    check_that(n, >, 0);
    return text;
}

/* --- published vectors --- */

struct sides {
    struct skt_noise initiator, responder;
    struct skt_aead *seal[2], *open[2]; /* by direction: 0 to the responder */
};

static void start(struct sides *s, struct text v, const struct skt_crypto *crypto)
{
    uint8_t prologue[64], psk[32], rs[32], s_priv[32], s_pub[32];
    struct text name = json_get(v, "protocol_name");
    bool nk = strncmp(name.p, "Noise_NK", 8) == 0;
    bool gcm = strncmp(name.p, nk ? "Noise_NKpsk0_25519_AESGCM_" : "Noise_NNpsk0_25519_AESGCM_", 26) == 0;
    struct skt_noise_params p = {
        .pattern = nk ? SKT_NOISE_NKPSK0 : SKT_NOISE_NNPSK0,
        .cipher = gcm ? SKT_CIPHER_AES_256_GCM : SKT_CIPHER_CHACHA20_POLY1305,
        .initiator = true,
        .prologue = prologue,
        .psk = psk,
        .static_pub = rs,
    };
    p.prologue_len = json_hex(v, "init_prologue", prologue, sizeof prologue);
    assert_int_equal(json_hex(v, "init_psks", psk, 32), 32);
    assert_int_equal(json_hex(v, "init_remote_static", rs, 32), nk ? 32 : 0);
    assert_int_equal(skt_noise_init(&s->initiator, crypto, &p), 0);

    p.initiator = false;
    p.prologue_len = json_hex(v, "resp_prologue", prologue, sizeof prologue);
    assert_int_equal(json_hex(v, "resp_psks", psk, 32), 32);
    assert_int_equal(json_hex(v, "resp_static", s_priv, 32), nk ? 32 : 0);
    p.static_pub = s_pub;
    p.static_priv = s_priv;
    if (nk)
        assert_int_equal(crypto->x25519_public(s_pub, s_priv), 0);
    assert_int_equal(skt_noise_init(&s->responder, crypto, &p), 0);
}

static void finish(struct sides *s, struct text v, const struct skt_crypto *crypto)
{
    uint8_t hash[32], a[2][32], b[2][32];
    assert_int_equal(json_hex(v, "handshake_hash", hash, 32), 32);
    assert_memory_equal(s->initiator.h, hash, 32);
    assert_memory_equal(s->responder.h, hash, 32);
    assert_int_equal(skt_noise_split(&s->initiator, crypto, a[0], a[1]), 0);
    assert_int_equal(skt_noise_split(&s->responder, crypto, b[0], b[1]), 0);
    assert_memory_equal(a, b, sizeof a);
    for (int i = 0; i < 2; i++) {
        s->seal[i] = crypto->aead_new(s->initiator.cipher, a[i], 1);
        s->open[i] = crypto->aead_new(s->initiator.cipher, a[i], 0);
    }
}

static void check_vector(struct text v, const struct skt_crypto *crypto)
{
    struct sides s;
    uint8_t payload[256], sealed[256], out[256], e[32];
    start(&s, v, crypto);
    struct text messages = json_get(v, "messages");
    size_t pos = 0;
    unsigned count = 0;
    for (struct text m; (m = json_next_object(messages, &pos)).p; count++) {
        size_t len = json_hex(m, "payload", payload, sizeof payload);
        size_t sealed_len = json_hex(m, "ciphertext", sealed, sizeof sealed);
        unsigned dir = count % 2;
        if (count < 2) {
            struct skt_noise *from = dir == 0 ? &s.initiator : &s.responder;
            struct skt_noise *to = dir == 0 ? &s.responder : &s.initiator;
            assert_int_equal(json_hex(v, dir == 0 ? "init_ephemeral" : "resp_ephemeral", e, 32), 32);
            fixed_random_set(e, 32);
            assert_int_equal(sealed_len, len + SKT_NOISE_OVERHEAD);
            assert_int_equal(skt_noise_write(from, crypto, payload, len, out), 0);
            assert_memory_equal(out, sealed, sealed_len);
            assert_int_equal(skt_noise_read(to, crypto, sealed, sealed_len, out), 0);
        } else {
            if (count == 2)
                finish(&s, v, crypto);
            uint64_t n = count / 2 - 1;
            assert_int_equal(sealed_len, len + SKT_TAG_LEN);
            assert_int_equal(crypto->aead_seal(s.seal[dir], out, n, NULL, 0, payload, len), 0);
            assert_memory_equal(out, sealed, sealed_len);
            assert_int_equal(crypto->aead_open(s.open[dir], out, n, NULL, 0, sealed, sealed_len), 0);
        }
        assert_memory_equal(out, payload, len);
    }
    assert_int_equal(count, 6);
    for (int i = 0; i < 2; i++) {
        crypto->aead_free(s.seal[i]);
        crypto->aead_free(s.open[i]);
    }
}

static void published_vectors(void **state)
{
    (void)state;
    char *text = read_vectors();
    if (!text) {
        print_message("no published vectors beside the repository\n");
        skip();
    }
    struct text vectors = json_get((struct text){text, strlen(text)}, "vectors");
    size_t pos = 0, count = 0;
    for (struct text v; (v = json_next_object(vectors, &pos)).p; count++) {
        struct text name = json_get(v, "protocol_name");
        print_message("%.*s\n", (int)name.len, name.p);
        check_vector(v, fixed_crypto());
    }
    assert_int_equal(count, 4);
    free(text);
}

/* --- our own --- */

/* Made with a separate implementation of the specification (doc/protocol.md, Python): psk 00..1f,
 * ephemerals 20..3f and 40..5f, the responder's static key 60..7f, prologue "skcptun 1", payloads "hello" and
 * "". */
struct known {
    enum skt_noise_pattern pattern;
    enum skt_cipher cipher;
    const char *message1, *message2, *hash, *to_responder, *to_initiator, *exported;
};

static const struct known known[] = {
    {SKT_NOISE_NNPSK0, SKT_CIPHER_CHACHA20_POLY1305,
     "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254593990ad1cf4024a2ddd5c9a39245956ab23e20"
     "f15",
     "79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51abb0d9644a42f67c593d3596a05b466df",
     "3bba6ca5fbfe36255b46b950046dfb9a14fc714e1a4ada3bbcd64a2900d7ec4e",
     "810cde8f99b1a2a5a863e41b93fd1c11b29ab8fee3f3edcb662e163b245164ca",
     "f8ca9cf382ec15ac3609fa976595baafec96af6729b05edab8e41839ed09f6cd",
     "17f85e8dcd3d399023d6636564083f8ebff073ba1590c1b7f7468c66d4d0b433"},
    {SKT_NOISE_NNPSK0, SKT_CIPHER_AES_256_GCM,
     "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd1662543d5033900d9d2ce50b6271b453bd9ea7cec63f8"
     "b7f",
     "79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51a7d2b139e70b99fa30f7970ba72769f58",
     "257bd1ef7fbf92777078402da5079ccd77cd75ee76d5d1d2e54059a5f4011de5",
     "b2264245ee0ca0b3f7603845f7d25301e3bd2720719ad17eb1c65092b6d1b7de",
     "582ea78b216ad523650649f7b979fa5c071fb8cbd44cfc2b78497aba9f811dd1",
     "da18c0c014aab4befc877f0a78eb851b6ca0a32baceb58d9bb5fcd13d7c2065f"},
    {SKT_NOISE_NKPSK0, SKT_CIPHER_CHACHA20_POLY1305,
     "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd166254cb091f9f8b58eb6e42af91a0c3d7cc408d04d27"
     "260",
     "79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51ac8bd683ba960f9f9827e661dd6538491",
     "0182a18ec7d2f5cc0fb9346ad4c4dbbe00e53e5db7d663a24781b880d3979bbe",
     "f1a0a1637223154da35d214d7b4d4968080ee39f6db59ccce709c2bb575ac4bc",
     "cba65744cd31a44b3b1a405d51e7f81e53b5c0d2a6e9d1f134cdce88e6f3e21b",
     "9ca73ebaa406a9b49a8ed01ce2e95ae83661f1a302e6461ff71584e9ec319495"},
    {SKT_NOISE_NKPSK0, SKT_CIPHER_AES_256_GCM,
     "358072d6365880d1aeea329adf9121383851ed21a28e3b75e965d0d2cd1662544218ba458ece6129a2c9073b2266d52f8bc4b13"
     "f99",
     "79a631eede1bf9c98f12032cdeadd0e7a079398fc786b88cc846ec89af85a51acf89d91de445832593dfc5d8e8ebeb4b",
     "08128d9f879c8441ce3022df9b65e894f9ea2b46dc55b777dea1cb7fa624e90a",
     "772d34117733013c41f6c7bf00ffee195d015b9d1a1dcdc083a0788a0e49b2f4",
     "6f3632c1c2e1d2a4932ef1a51506321af1e69e5c1dbfc4b6652be4c12880e759",
     "838dbc3ac99aadbb0e0792e2864e848e60c5949dd2470f00613de5befbdfdbc4"},
};

static void count_up(uint8_t *out, uint8_t from)
{
    for (unsigned i = 0; i < 32; i++)
        out[i] = (uint8_t)(from + i);
}

struct pair {
    struct skt_noise initiator, responder;
};

static void start_pair(struct pair *p, const struct skt_crypto *crypto, enum skt_noise_pattern pattern,
                       enum skt_cipher cipher)
{
    uint8_t psk[32], s_priv[32], s_pub[32];
    count_up(psk, 0);
    count_up(s_priv, 0x60);
    assert_int_equal(crypto->x25519_public(s_pub, s_priv), 0);
    struct skt_noise_params params = {.pattern = pattern,
                                      .cipher = cipher,
                                      .initiator = true,
                                      .prologue = "skcptun 1",
                                      .prologue_len = 9,
                                      .psk = psk,
                                      .static_pub = s_pub};
    assert_int_equal(skt_noise_init(&p->initiator, crypto, &params), 0);
    params.initiator = false;
    params.static_priv = s_priv;
    assert_int_equal(skt_noise_init(&p->responder, crypto, &params), 0);
}

static void known_answers(void **state)
{
    (void)state;
    const struct skt_crypto *crypto = fixed_crypto();
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const struct known *k = &known[i];
        struct pair p;
        uint8_t e[32], msg[64], out[64], keys[2][32];
        start_pair(&p, crypto, k->pattern, k->cipher);
        count_up(e, 0x20);
        fixed_random_set(e, 32);
        assert_int_equal(skt_noise_write(&p.initiator, crypto, (const uint8_t *)"hello", 5, msg), 0);
        assert_string_equal(hex_encode(msg, 5 + SKT_NOISE_OVERHEAD), k->message1);
        assert_int_equal(skt_noise_read(&p.responder, crypto, msg, 5 + SKT_NOISE_OVERHEAD, out), 0);
        assert_memory_equal(out, "hello", 5);
        count_up(e, 0x40);
        fixed_random_set(e, 32);
        assert_int_equal(skt_noise_write(&p.responder, crypto, NULL, 0, msg), 0);
        assert_string_equal(hex_encode(msg, SKT_NOISE_OVERHEAD), k->message2);
        assert_int_equal(skt_noise_read(&p.initiator, crypto, msg, SKT_NOISE_OVERHEAD, out), 0);
        assert_string_equal(hex_encode(p.initiator.h, 32), k->hash);
        assert_memory_equal(p.initiator.h, p.responder.h, 32);
        assert_int_equal(skt_noise_split(&p.initiator, crypto, keys[0], keys[1]), 0);
        assert_string_equal(hex_encode(keys[0], 32), k->to_responder);
        assert_string_equal(hex_encode(keys[1], 32), k->to_initiator);
        assert_int_equal(skt_noise_export(&p.responder, crypto, "a label", out), 0);
        assert_string_equal(hex_encode(out, 32), k->exported);
    }
}

static void out_of_turn(void **state)
{
    (void)state;
    const struct skt_crypto *crypto = skt_crypto_openssl();
    struct pair p;
    uint8_t msg[64] = {0}, out[64], keys[2][32];
    start_pair(&p, crypto, SKT_NOISE_NNPSK0, SKT_CIPHER_CHACHA20_POLY1305);
    assert_int_equal(skt_noise_write(&p.responder, crypto, NULL, 0, msg), SKT_ERR_ARG);
    assert_int_equal(skt_noise_read(&p.initiator, crypto, msg, sizeof msg, out), SKT_ERR_ARG);
    assert_int_equal(skt_noise_split(&p.initiator, crypto, keys[0], keys[1]), SKT_ERR_ARG);
    assert_int_equal(skt_noise_export(&p.initiator, crypto, "x", out), SKT_ERR_ARG);
    assert_int_equal(skt_noise_write(&p.initiator, crypto, NULL, 0, msg), 0);
    assert_int_equal(skt_noise_write(&p.initiator, crypto, NULL, 0, msg), SKT_ERR_ARG);
    assert_int_equal(skt_noise_split(&p.initiator, crypto, keys[0], keys[1]), SKT_ERR_ARG);
    struct skt_noise_params no_key = {.pattern = SKT_NOISE_NKPSK0, .initiator = true};
    assert_int_equal(skt_noise_init(&p.initiator, crypto, &no_key), SKT_ERR_ARG);
}

/* A message with any bit changed, cut anywhere, or of an ephemeral of small order is refused and changes
 * nothing, and the genuine one is still taken afterwards. */
static void damaged_messages(void **state)
{
    (void)state;
    const struct skt_crypto *crypto = skt_crypto_openssl();
    for (int nk = 0; nk < 2; nk++) {
        struct pair p;
        uint8_t msg[SKT_NOISE_OVERHEAD + 5], out[64];
        start_pair(&p, crypto, nk ? SKT_NOISE_NKPSK0 : SKT_NOISE_NNPSK0, SKT_CIPHER_CHACHA20_POLY1305);
        for (int message = 0; message < 2; message++) {
            struct skt_noise *from = message == 0 ? &p.initiator : &p.responder;
            struct skt_noise *to = message == 0 ? &p.responder : &p.initiator;
            assert_int_equal(skt_noise_write(from, crypto, (const uint8_t *)"hello", 5, msg), 0);
            struct skt_noise before = *to;
            for (size_t i = 0; i < sizeof msg; i++) {
                msg[i] ^= 1;
                assert_int_equal(skt_noise_read(to, crypto, msg, sizeof msg, out), SKT_ERR_AUTH);
                msg[i] ^= 1;
                int err = skt_noise_read(to, crypto, msg, i, out);
                assert_int_equal(err, i < SKT_NOISE_OVERHEAD ? SKT_ERR_TRUNCATED : SKT_ERR_AUTH);
            }
            uint8_t zero[sizeof msg] = {0};
            memcpy(zero + 32, msg + 32, sizeof msg - 32);
            assert_int_equal(skt_noise_read(to, crypto, zero, sizeof zero, out),
                             nk || message == 1 ? SKT_ERR_CRYPTO : SKT_ERR_AUTH);
            assert_memory_equal(&before, to, sizeof before);
            assert_int_equal(skt_noise_read(to, crypto, msg, sizeof msg, out), 0);
            assert_memory_equal(out, "hello", 5);
        }
    }
}

/* Without random bytes no message is made and nothing changes. */
static void no_random_bytes(void **state)
{
    (void)state;
    struct pair p;
    uint8_t msg[64];
    start_pair(&p, fixed_crypto(), SKT_NOISE_NNPSK0, SKT_CIPHER_CHACHA20_POLY1305);
    struct skt_noise before = p.initiator;
    fixed_random_set(NULL, 0);
    assert_int_equal(skt_noise_write(&p.initiator, fixed_crypto(), NULL, 0, msg), SKT_ERR_CRYPTO);
    assert_memory_equal(&before, &p.initiator, sizeof before);
}

static int cleanup(void **state)
{
    (void)state;
    skt_crypto_cleanup();
    return 0;
}

CHECK_GROUP(noise)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors), cmocka_unit_test(known_answers),   cmocka_unit_test(out_of_turn),
        cmocka_unit_test(damaged_messages),  cmocka_unit_test(no_random_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, cleanup);
}
