/*
 * zone_names.cc - see zone_names.h.
 */
#include "udf/zone_names.h"

#include <memory>

#include <unicode/calendar.h>
#include <unicode/tznames.h>
#include <unicode/unistr.h>

namespace
{

constexpr size_t LONGEST_NAME = 96; /* units: no name is half as long */

icu::TimeZoneNames *open_names()
{
    UErrorCode          status = U_ZERO_ERROR;
    icu::TimeZoneNames *names  = icu::TimeZoneNames::createInstance(icu::Locale::getEnglish(), status);
    return U_SUCCESS(status) ? names : nullptr;
}

/* Opened once, never changed: find and getters of TimeZoneNames may be called by several threads. NULL: ICU
 * has no data. */
const icu::TimeZoneNames *names()
{
    static const std::unique_ptr<icu::TimeZoneNames> opened(open_names());
    return opened.get();
}

bool copy(const icu::UnicodeString &from, char *out, size_t size)
{
    std::string utf8;
    from.toUTF8String(utf8);
    if (from.isBogus() || utf8.empty() || utf8.size() >= size)
        return false;
    utf8.copy(out, utf8.size());
    out[utf8.size()] = 0;
    return true;
}

/* The name that the zone has itself (British Summer Time), else its present metazone's. */
icu::UnicodeString display_name(const icu::UnicodeString &id, UTimeZoneNameType type)
{
    icu::UnicodeString name, metazone;
    names()->getTimeZoneDisplayName(id, type, name);
    if (!name.isEmpty() && !name.isBogus())
        return name;
    names()->getMetaZoneID(id, icu::Calendar::getNow(), metazone);
    if (metazone.isEmpty())
        return icu::UnicodeString();
    name.remove();
    return names()->getMetaZoneDisplayName(metazone, type, name);
}

} // namespace

bool zone_long_name(const char *id, LongName kind, char *out, size_t size)
{
    if (names() == nullptr)
        return false;
    icu::UnicodeString zone   = icu::UnicodeString::fromUTF8(id), canonical;
    UErrorCode         status = U_ZERO_ERROR;
    icu::TimeZone::getCanonicalID(zone, canonical, status);
    if (U_SUCCESS(status))
        zone = canonical;
    UTimeZoneNameType  type = kind == LONG_STANDARD   ? UTZNM_LONG_STANDARD
                              : kind == LONG_DAYLIGHT ? UTZNM_LONG_DAYLIGHT
                                                      : UTZNM_LONG_GENERIC;
    icu::UnicodeString name = display_name(zone, type);
    if (name.isEmpty() && kind == LONG_GENERIC) {
        /* CLDR names what zones without daylight time have: "Japan Standard Time". Java makes "Japan Time" of
         * it. */
        name = display_name(zone, UTZNM_LONG_STANDARD);
        name.findAndReplace(icu::UnicodeString(" Standard"), icu::UnicodeString());
    }
    return copy(name, out, size);
}

/* The longest match at the beginning of `wide`, in units. */
static int32_t match(const icu::UnicodeString &wide, char *id, size_t size)
{
    UErrorCode                                               status = U_ZERO_ERROR;
    std::unique_ptr<icu::TimeZoneNames::MatchInfoCollection> found(
        names()->find(wide, 0, UTZNM_LONG_STANDARD | UTZNM_LONG_DAYLIGHT | UTZNM_LONG_GENERIC, status));
    int32_t longest = 0;
    for (int32_t i = 0; U_SUCCESS(status) && found && i < found->size(); i++) {
        icu::UnicodeString zone, metazone;
        if (found->getMatchLengthAt(i) <= longest)
            continue;
        if (found->getMetaZoneIDAt(i, metazone))
            names()->getReferenceZoneID(metazone, "001", zone);
        else if (!found->getTimeZoneIDAt(i, zone))
            continue;
        if (copy(zone, id, size))
            longest = found->getMatchLengthAt(i);
    }
    return longest;
}

size_t zone_match_long_name(const char *text, size_t len, char *id, size_t size)
{
    if (names() == nullptr || len == 0)
        return 0;
    icu::UnicodeString wide = icu::UnicodeString::fromUTF8(
        icu::StringPiece(text, static_cast<int32_t>(len < LONGEST_NAME ? len : LONGEST_NAME)));
    int32_t longest = match(wide, id, size);
    if (longest == 0) { /* "Japan Time", which only Java writes: zone_long_name */
        icu::UnicodeString folded(wide), standard(" standard");
        folded.toLower(icu::Locale::getRoot());
        int32_t at = folded.indexOf(icu::UnicodeString(" time"));
        if (at <= 0)
            return 0;
        folded.insert(at, standard);
        longest = match(folded, id, size) - standard.length();
        if (longest <= at)
            return 0;
    }
    /* Names are ASCII in English, but what stands behind one in the text may be anything: count what was
     * matched. */
    std::string matched;
    wide.tempSubString(0, longest).toUTF8String(matched);
    return matched.size();
}
